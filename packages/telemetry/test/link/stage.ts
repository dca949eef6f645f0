/**
 * Two trees and the link between them, in this process: writers on the one side, a backend on the other. A side that is
 * stopped and opened again sees what is on disk, and nothing else.
 */
import type { TestContext } from 'node:test';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { writeLink, writeListening } from '../../src/link/settings.ts';
import { readTreeStatus, type TreeStatus } from '../../src/server/status.ts';
import { TreeServer } from '../../src/server/tree-server.ts';
import { ensureTree } from '../../src/tree/trees.ts';
import { Stage, scratch, type StageOptions } from '../server/stage.ts';
import { freePort } from '../support/proxy.ts';
import { DEADLINE_MILLIS } from '../support/scene.ts';

export const SECRET: string = Buffer.from('a secret of these tests').toString('base64');

export interface LinkStageOptions extends StageOptions {
  readonly leaseMillis?: number;
  /** Default: the server's own. */
  readonly port?: number;
}

export class LinkStage {
  /** The client's tree has the writers, the backend is the server's. */
  readonly client: Stage;
  readonly serverDirectory: string;
  readonly port: number;
  readonly log: string[] = [];
  readonly #servers = new Map<string, TreeServer>();

  private constructor(t: TestContext, port: number, { leaseMillis = 60_000, ...options }: LinkStageOptions) {
    this.port = port;
    this.client = new Stage(t, { exportIntervalMillis: 1, ...options });
    this.serverDirectory = path.join(scratch(t), 'server');
    ensureTree(this.serverDirectory);
    const endpoint = { host: '127.0.0.1', secret: SECRET };
    writeListening(this.serverDirectory, { ...endpoint, port, leaseMillis });
    writeLink(this.client.directory, { ...endpoint, port: options.port ?? port });
    t.after(() => Promise.all([...this.#servers.keys()].map((directory) => this.close(directory))));
  }

  static async create(t: TestContext, options: LinkStageOptions = {}): Promise<LinkStage> {
    return new LinkStage(t, await freePort(), options);
  }

  /** Serves a side: both where none is named. */
  open(...directories: readonly string[]): void {
    for (const directory of directories.length > 0
      ? directories
      : [this.serverDirectory, this.client.directory]) {
      const server = TreeServer.open(directory, (message) => this.log.push(message));
      if (server === undefined) throw new Error(`${directory} is served`);
      this.#servers.set(directory, server);
    }
  }

  async close(directory: string): Promise<void> {
    const server = this.#servers.get(directory);
    this.#servers.delete(directory);
    await server?.stop();
  }

  server(directory: string): TreeServer {
    const server = this.#servers.get(directory);
    if (server === undefined) throw new Error(`${directory} is not served`);
    return server;
  }

  /** Polls what is open until something is so. */
  async until(isSo: () => boolean): Promise<void> {
    const deadline = Date.now() + DEADLINE_MILLIS;
    while (!isSo()) {
      if (Date.now() > deadline) throw new Error(`not so within ${DEADLINE_MILLIS} ms: ${String(isSo)}`);
      for (const server of this.#servers.values()) server.poll(Date.now());
      await setImmediate();
    }
  }

  status(directory: string): TreeStatus {
    return readTreeStatus(directory);
  }
}
