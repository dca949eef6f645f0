/** Asks for telemetry at several addresses, again and again, and says which answers were the same object. */
import path from 'node:path';
import { init, TelemetryMode } from '../../../../src/index.ts';
import { readJob, say } from '../../job.ts';

export interface IdentityJob {
  readonly directory: string;
}

const { directory } = readJob() as IdentityJob;
const first = init({ mode: TelemetryMode.SERVER, address: directory });
const other = init({ mode: TelemetryMode.SERVER, address: path.join(directory, '..', 'other') });
const local = init({ mode: TelemetryMode.LOCAL });
say({
  isSameForSameAddress: first === init({ mode: TelemetryMode.SERVER, address: directory }),
  isOtherForOtherAddress: first !== other,
  isSameForLocal: local === init({ mode: TelemetryMode.LOCAL }),
  isOtherForLocal: local !== first,
});
await other.shutdown();
await local.shutdown();
