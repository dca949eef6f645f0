/** A process or thread of the tree: it finds the tree by itself, works, and ends as its job says. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { threadId, Worker } from 'node:worker_threads';
import { init } from '@multistorageclient/telemetry';
import type { Job } from './job.ts';
import { recordingFs } from './recording.ts';
import { Tally } from './tally.ts';
import { work } from './work.ts';

const job = JSON.parse(process.argv[2]) as Job;
const telemetry = init();
const tally = new Tally(job.tallies, job.role, process.pid, threadId);
const thread = job.thread && new Worker(new URL(import.meta.url), { argv: [JSON.stringify(job.thread)] });
const threadHasEnded = thread && once(thread, 'exit');
await work(recordingFs(telemetry, job.config), tally, job);
await threadHasEnded;
if (job.exits) process.exit();
cluster.worker?.disconnect();
