import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TelemetryMode } from '../../src/modes.ts';
import type { ModeJob } from '../support/programs/mode.ts';
import { metricsTo } from '../support/scene.ts';
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
  const modes: unknown[] = [];
  const { sink, said } = await run(t, 'seed/meeting', (to, { directory }) => {
    return { directory, config: metricsTo(to), modes: [SERVER, CLIENT, LOCAL] };
  });
  for (const { mode } of said) modes.push(mode);
  assert.deepEqual(modes, [SERVER, CLIENT, LOCAL]);
  const values = [...sink.pointsOf('multistorageclient.latency')].map(({ value }) => value);
  assert.deepEqual(
    values.toSorted((a, b) => a - b),
    [0, 1, 2],
  );
});
