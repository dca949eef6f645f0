/**
 * A real Prometheus that scrapes one target, and its `promtool`.
 *
 * In: a test, and the URL to scrape. Out: what its query language answers; what promtool thinks of a text.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { freePort, RunningServer } from './real-servers.ts';
import { DEADLINE_MILLIS } from './scene.ts';

/** One series of an answer. */
export interface Answer {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A free port may be somebody else's by the time Prometheus takes it. */
const ATTEMPTS = 5;

export class Prometheus {
  readonly #url: string;

  private constructor(url: string) {
    this.#url = url;
  }

  static async start(t: TestContext, binary: string, target: string): Promise<Prometheus> {
    const directory = mkdtempSync(path.join(tmpdir(), 'msc-prometheus-'));
    t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10 }));
    const { host, pathname } = new URL(target);
    const job = { job_name: 'tree', metrics_path: pathname, static_configs: [{ targets: [host] }] };
    const config = path.join(directory, 'prometheus.yml');
    // JSON is YAML.
    writeFileSync(config, JSON.stringify({ global: { scrape_interval: '200ms' }, scrape_configs: [job] }));
    const args = [`--config.file=${config}`, `--storage.tsdb.path=${path.join(directory, 'data')}`];
    for (let attempt = 1; ; attempt++) {
      const address = `127.0.0.1:${await freePort()}`;
      const server = new RunningServer(t, binary, [...args, `--web.listen-address=${address}`]);
      if ((await server.says(/Server is ready/)) !== undefined) return new Prometheus(`http://${address}`);
      if (attempt === ATTEMPTS || !server.output.includes('in use')) throw new Error(server.output);
    }
  }

  /** The answer to an expression, once there is one that is as wanted. Rejects after the deadline, with the last one. */
  async query(expression: string, isWanted: (answers: readonly Answer[]) => boolean): Promise<Answer[]> {
    const deadline = Date.now() + DEADLINE_MILLIS;
    for (;;) {
      const answers = await this.#ask(expression);
      if (isWanted(answers)) return answers;
      if (Date.now() > deadline) throw new Error(`${expression} is ${JSON.stringify(answers)}`);
      await setTimeout(50);
    }
  }

  async #ask(expression: string): Promise<Answer[]> {
    const response = await fetch(`${this.#url}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { data, error } = (await response.json()) as Record<string, any>;
    if (data === undefined) throw new Error(`${expression}: ${error}`);
    return (data['result'] as Record<string, any>[]).map(({ metric, value: [, value] }) => ({
      labels: metric,
      value: readNumber(value),
    }));
  }
}

/** What `promtool check metrics`, which lies beside Prometheus, says of a text; nothing where it is content. */
export function checkMetrics(prometheus: string, text: string): string {
  const tool = path.join(path.dirname(prometheus), 'promtool');
  const { error, stdout, stderr } = spawnSync(tool, ['check', 'metrics'], { input: text, encoding: 'utf8' });
  if (error !== undefined) throw error;
  return stdout + stderr;
}

function readNumber(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}
