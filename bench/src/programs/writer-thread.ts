/** A worker thread that records. */
import { parentPort } from 'node:worker_threads';
import { answerOn } from '../requests.ts';
import { Writing, type RecordJob, type WriterJob } from '../writing.ts';

let writing: Writing | undefined;

const methods = {
  open: (job: WriterJob): void => void (writing = new Writing(job)),
  record: (job: RecordJob): Promise<void> | undefined => writing?.record(job),
};
export type Methods = typeof methods;
if (parentPort !== null) answerOn(parentPort, methods);
