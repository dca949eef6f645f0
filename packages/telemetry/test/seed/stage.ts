/** One row of the seed's table, as a user sees it: a program runs to its end, and all of it has been exported. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import type { Sink } from '@multistorageclient/sink';
import type { Said } from '../support/program.ts';
import { Scene } from '../support/scene.ts';

export interface Ran {
  readonly scene: Scene;
  readonly sink: Sink;
  readonly said: readonly Said[];
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of `programs/` in a tree at `scene.directory`. */
export async function run(
  t: TestContext,
  program: string,
  jobOf: (sink: Sink, scene: Scene) => unknown,
  envOf: (scene: Scene) => NodeJS.ProcessEnv = () => ({}),
): Promise<Ran> {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const running = scene.start(program, jobOf(sink, scene), { env: envOf(scene) });
  assert.deepEqual(await running.ended, { code: 0, signal: null }, running.stderr);
  await scene.ended();
  const { said, stdout, stderr } = running;
  return { scene, sink, said, stdout, stderr };
}

/** A span in OTLP JSON, as far as these tests look. */
export interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

/** All spans of a file that the exporter `file` has written. */
export function spansIn(file: string): Span[] {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.flatMap((line) => spansOf(JSON.parse(line) as Requested));
}

export interface Requested {
  readonly resourceSpans?: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

export function spansOf({ resourceSpans = [] }: Requested): Span[] {
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}
