import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TelemetryMode } from '../../src/modes.ts';
import type { ModeJob } from '../support/programs/mode.ts';
import { freePort } from '../support/proxy.ts';
import { DEADLINE_MILLIS, metricsTo, Scene } from '../support/scene.ts';
import { run } from './stage.ts';

test('a main process serves by default, and its children are clients, at a path', async (t) => {
  const { said, scene } = await run(t, 'mode', (sink, { directory: address }): ModeJob => {
    return { init: { address }, config: metricsTo(sink), value: 0, descendants: true };
  });
  const modes = said.toSorted((a, b) => a['value'] - b['value']);
  assert.deepEqual(
    modes.map(({ mode, directory }) => [mode, directory === scene.directory]),
    [
      ['server', true],
      ['client', true],
      ['client', true],
    ],
  );
});

test('a mode that is asked for: local needs no server, server and client meet at their address', async (t) => {
  const { LOCAL, SERVER, CLIENT } = TelemetryMode;
  const { sink, said } = await run(t, 'seed/meeting', (to, { directory }) => {
    return { directory, config: metricsTo(to), modes: [SERVER, CLIENT, LOCAL] };
  });
  assert.deepEqual(
    said.map(({ mode }) => mode as string),
    [SERVER, CLIENT, LOCAL],
  );
  const values = [...sink.pointsOf('multistorageclient.latency')].map(({ value }) => value);
  assert.deepEqual(
    values.toSorted((a, b) => a - b),
    [0, 1, 2],
  );
});

test('an address is a path, or host and port for those that share no file system', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const address = ['127.0.0.1', await freePort()] as const;
  const env = { MSC_TELEMETRY_SECRET: 'a secret of this test' };
  const server = scene.start('link-server', { directory: scene.directory, address }, { env });
  await server.says('listening');
  const job: ModeJob = { init: { mode: TelemetryMode.CLIENT, address }, config: metricsTo(sink), value: 7 };
  const client = scene.start('mode', job, { env });
  assert.deepEqual(await client.ended, { code: 0, signal: null }, client.stderr);
  assert.equal(client.said[0]['mode'], 'client');
  assert.notEqual(client.said[0]['directory'], scene.directory);
  await sink.until(({ points }) => points.length > 0, DEADLINE_MILLIS);
  assert.deepEqual(
    [...sink.points].map(({ value }) => value),
    [7],
  );
  server.proceed();
  assert.deepEqual(await server.ended, { code: 0, signal: null }, server.stderr);
});
