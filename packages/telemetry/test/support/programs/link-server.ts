/** Serves a directory and listens for clients, until the test says `proceed`. */
import { TelemetryServer, type TelemetryServerOptions } from '../../../src/index.ts';
import { proceeding, readJob, say } from '../job.ts';

const server = new TelemetryServer(readJob() as TelemetryServerOptions);
await server.start({ timeoutMillis: 60_000 });
say({ listening: server.address });
await proceeding();
const { account } = await server.stop({ timeoutMillis: 60_000 });
say({ account });
