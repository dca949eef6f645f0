import assert from 'node:assert/strict';
import { globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { metricsTo, Scene } from './support/scene.ts';
import type { PublishedJob } from './support/programs/published.ts';

const DIST = path.join(import.meta.dirname, '..');

const changedAt = (file: string): number => statSync(path.join(DIST, file)).mtimeMs;

test('the bundles are newer than the modules that they are made of', () => {
  const newest = Math.max(...globSync('src/**/*.js', { cwd: DIST }).map(changedAt));
  assert.ok(changedAt('bundled') > newest, 'stale: npm run build');
});

test('what is published records, and is served by the bundled server', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const job: PublishedJob = { directory: scene.directory, config: metricsTo(sink) };
  const program = scene.start('published', job);
  const { imported, command, isSameError } = await program.says('command');
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  assert.ok(sink.points.length > 0);

  const own = (imported as string[]).filter(
    (url) => url.startsWith('file:') && !url.includes('node_modules'),
  );
  assert.deepEqual(
    own.map((url) => path.relative(DIST, fileURLToPath(url))),
    ['lib/index.js', 'lib/core.js'],
  );
  assert.ok((command as string[]).includes(path.join(DIST, 'server/main.js')), String(command));
  assert.equal(isSameError, true, 'an entry has a copy of what another one has');
});

test('what core.js loads late is there, by the names that it asks for', async () => {
  const core = readFileSync(path.join(DIST, 'lib/core.js'), 'utf8');
  const loads = [...core.matchAll(/createRequire\(import\.meta\.url\)\("(.+?)"\)/g)];
  assert.ok(loads.length >= 6, 'the form of the calls has changed');
  const exported = await Promise.all(
    loads.map(([, file]) => import(path.join(DIST, 'lib', file)) as Promise<object>),
  );
  const names = new Set(exported.flatMap((module) => Object.keys(module)));
  const asked = [...core.matchAll(/load\d*\(\)\.([\w$]+)\(/g)].map(([, name]) => name);
  assert.ok(asked.length >= loads.length);
  assert.deepEqual(
    asked.filter((name) => !names.has(name)),
    [],
  );
});
