import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBackend } from '../exporters/backend.ts';
import { startEntraDouble } from '../exporters/entra-double.ts';
import type { InstrumentsJob } from '../support/programs/seed/instruments.ts';
import type { TracesJob } from '../support/programs/seed/traces.ts';
import { run } from './stage.ts';

test('_otlp_msal: metrics and traces with a bearer token on every request', async (t) => {
  const entra = await startEntraDouble(t);
  const backend = await startBackend(t, (response) => response.end());
  const auth = {
    scopes: ['https://backend/.default'],
    client_id: 'seed',
    client_credential: 'secret',
    authority: entra.authority,
    validate_authority: false,
    verify: entra.certificateFile,
  };
  const options = { auth, exporter: { endpoint: backend.url } };
  const exporter = { type: '_otlp_msal', options };
  await run(t, 'seed/instruments', (_sink, { directory }): InstrumentsJob => {
    const reader = { options: { export_interval_millis: 200 } };
    return { directory, configs: [{ exporter, reader }], values: [1] };
  });
  const metrics = backend.received.splice(0);
  await run(t, 'seed/traces', (_sink, { directory }): TracesJob => {
    const processor = { options: { schedule_delay_millis: 100 } };
    return { directory, configs: [{ exporter, processor }] };
  });
  const tokens = (requests: typeof metrics) =>
    new Set(requests.map(({ request }) => request.headers.authorization));
  assert.deepEqual(tokens(metrics), new Set(['Bearer token-1']));
  assert.deepEqual(tokens(backend.received), new Set(['Bearer token-2']));
  assert.deepEqual(
    entra.requests.map((form) => [form.get('client_id'), form.get('scope')?.split(' ')[0]]),
    Array.from({ length: 2 }, () => ['seed', 'https://backend/.default']),
  );
});
