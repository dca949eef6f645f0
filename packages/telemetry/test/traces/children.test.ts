import assert from 'node:assert/strict';
import childProcess, {
  ChildProcess,
  exec,
  execFile,
  execFileSync,
  execSync,
  fork,
  spawn,
  spawnSync,
} from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { SHARE_ENV, Worker, type WorkerOptions } from 'node:worker_threads';
import {
  context,
  createTraceState,
  ROOT_CONTEXT,
  trace,
  TraceFlags,
  type SpanContext,
} from '@opentelemetry/api';
import { continueInChildren } from '../../src/traces/children.ts';
import { ensureContextManager } from '../../src/traces/context.ts';
import { loadTracingSdk } from '../../src/traces/sdk.ts';

const SPAN: SpanContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
  traceState: createTraceState('vendor=1'),
};
const TRACEPARENT = `00-${SPAN.traceId}-${SPAN.spanId}-01`;
const OTHER = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

const SCRIPT = 'JSON.stringify([process.env.TRACEPARENT, process.env.TRACESTATE, process.env.OWN])';
const ARGS = ['-p', SCRIPT];
const COMMAND = `"${process.execPath}" -p "${SCRIPT}"`;
const { execPath } = process;
const OWN = { env: { ...process.env, OWN: 'x' } };

const within = <T>(run: () => T, span: SpanContext = SPAN): T =>
  context.with(trace.setSpanContext(ROOT_CONTEXT, span), run);

const output = async (child: ChildProcess): Promise<string> => await text(child.stdout!);

async function start(options: WorkerOptions, span?: SpanContext): Promise<unknown> {
  const create = (): Worker => new Worker(path.join(import.meta.dirname, 'thread.js'), options);
  const worker = span === undefined ? create() : within(create, span);
  const exit = once(worker, 'exit');
  const [said] = (await once(worker, 'message')) as unknown[];
  await exit;
  return said;
}

const sdk = loadTracingSdk();
const original = {
  spawn: Reflect.get(ChildProcess.prototype, 'spawn') as (options: unknown) => unknown,
  spawnSync,
  execSync,
  execFileSync,
};
let stop: () => void;

before(() => {
  ensureContextManager(sdk);
  stop = continueInChildren(sdk, undefined);
});
after(() => stop());

describe('a child process that is started inside a span continues its trace', () => {
  const ways: Record<string, () => Promise<string> | string> = {
    spawn: () => output(spawn(execPath, ARGS)),
    'spawn with options': () => output(spawn(execPath, ARGS, OWN)),
    exec: () => output(exec(COMMAND)),
    'exec as a promise': async () => (await promisify(exec)(COMMAND)).stdout,
    execFile: () => output(execFile(execPath, ARGS, OWN)),
    'execFile as a promise': async () => (await promisify(execFile)(execPath, ARGS)).stdout,
    fork: () => output(fork('-p', [SCRIPT], { execArgv: ['-p', SCRIPT], silent: true })),
    spawnSync: () => spawnSync(execPath, ARGS, { encoding: 'utf8' }).stdout,
    'spawnSync without options': () => String(spawnSync(execPath, ARGS).stdout),
    'spawnSync without arguments': () =>
      spawnSync(COMMAND, { shell: true, encoding: 'utf8', env: OWN.env }).stdout,
    execSync: () => execSync(COMMAND, { encoding: 'utf8' }),
    'execSync without options': () => String(execSync(COMMAND)),
    execFileSync: () => execFileSync(execPath, ARGS, { encoding: 'utf8', ...OWN }),
    'execFileSync without options': () => String(execFileSync(execPath, ARGS)),
  };
  for (const [name, run] of Object.entries(ways)) {
    test(name, async () => {
      const said = await within(() => run());
      const [traceparent, tracestate] = JSON.parse(said) as unknown[];
      assert.deepEqual([traceparent, tracestate], [TRACEPARENT, 'vendor=1']);
    });
  }

  test('with an environment of its own', () => {
    const env = { OWN: 'x' };
    const said = within(() => execFileSync(execPath, ARGS, { env, encoding: 'utf8' }));
    assert.deepEqual(JSON.parse(said), [TRACEPARENT, 'vendor=1', 'x']);
    assert.deepEqual(env, { OWN: 'x' });
  });

  for (const how of ['spawn', 'spawnSync'] as const) {
    test(`unless its caller has set another one: ${how}`, async () => {
      const env = { TRACEPARENT: OTHER };
      const said = await within(() =>
        how === 'spawn'
          ? output(spawn(execPath, ARGS, { env }))
          : spawnSync(execPath, ARGS, { env, encoding: 'utf8' }).stdout,
      );
      assert.deepEqual(JSON.parse(said), [OTHER, null, null]);
    });
  }

  test('of which the state is its own: none where the span has none', async () => {
    const { traceState: _, ...span } = SPAN;
    const env = { TRACESTATE: 'stale=1' };
    const said = await within(() => output(spawn(execPath, ARGS, { env })), span);
    assert.deepEqual(JSON.parse(said), [TRACEPARENT, null, null]);
  });

  test('but not one that is started outside', async () => {
    assert.deepEqual(JSON.parse(await output(spawn(execPath, ARGS, { env: {} }))), [null, null, null]);
    assert.deepEqual(JSON.parse(String(spawnSync(execPath, ARGS, { env: {} }).stdout)), [null, null, null]);
  });

  test('and not the telemetry server', async () => {
    const env = { MSC_TELEMETRY_SERVER: '1' };
    assert.deepEqual(JSON.parse(await within(() => output(spawn(execPath, ARGS, { env })))), [
      null,
      null,
      null,
    ]);
  });
});

describe('a worker thread that is started inside a span continues its trace', () => {
  const inherited = [SPAN.traceId, SPAN.spanId];

  test('by default', async () => assert.deepEqual(await start({}, SPAN), inherited));
  test('with an environment of its own', async () =>
    assert.deepEqual(await start({ env: {} }, SPAN), inherited));
  test('with a shared environment', async () =>
    assert.deepEqual(await start({ env: SHARE_ENV }, SPAN), inherited));
  test('through a thread without tracing', async () =>
    assert.deepEqual(await start({ workerData: 'parent' }, SPAN), inherited));
  test('unless its caller has set another one', async () =>
    assert.deepEqual(await start({ env: { TRACEPARENT: OTHER } }, SPAN), ['a'.repeat(32), 'b'.repeat(16)]));
  test('but not one that is started outside', async () =>
    assert.deepEqual(await start({}), [undefined, undefined]));
});

describe('what is replaced', () => {
  test('looks and fails as before', () => {
    for (const name of ['spawnSync', 'execSync', 'execFileSync'] as const) {
      const { name: named, length } = childProcess[name];
      assert.deepEqual([named, length], [original[name].name, original[name].length]);
    }
    const errors = within(() => [
      catching(() => spawnSync(1 as unknown as string)),
      catching(() => execFileSync('a', 'b' as unknown as string[])),
      catching(() => spawnSync('a', [], 1 as unknown as object)),
      catching(() => spawn('a', [], { env: 1 as unknown as NodeJS.ProcessEnv, cwd: 1 as unknown as string })),
      catching(() =>
        Reflect.apply(
          Reflect.get(ChildProcess.prototype, 'spawn') as typeof original.spawn,
          new ChildProcess(),
          [],
        ),
      ),
    ]);
    assert.deepEqual(
      errors,
      Array.from(errors, () => 'ERR_INVALID_ARG_TYPE'),
    );
    assert.ok(within(() => spawn(execPath, ['-v'])) instanceof ChildProcess);
  });

  test('is as it was when the last user has let go', () => {
    const second = continueInChildren(sdk, undefined);
    const replaced = childProcess.execSync;
    second();
    second();
    assert.equal(childProcess.execSync, replaced);
    stop();
    assert.equal(childProcess.execSync, original.execSync);
    assert.equal(Reflect.get(ChildProcess.prototype, 'spawn'), original.spawn);
    assert.equal(execSync, original.execSync);
  });
});

function catching(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
  return undefined;
}
