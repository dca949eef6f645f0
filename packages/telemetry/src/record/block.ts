/**
 * One block of memory: where a batch has what. All of it lies in one piece, so that the main thread can read the batch of a
 * worker thread that is gone.
 *
 *   control (96 B) │ path (1 KiB) │ samples │ sums │ operations │ their spans │ histograms
 *   control: i32 closed, samples, sums, operations, histogram rows, 0, owner, path bytes;
 *            u32 ×4 time base; f64 sequence; i32 watcher, traced
 *
 * In a batch that no other thread sees, control holds only closed, time base and sequence.
 */
import { histogramRowBytes } from '../journal/columns.ts';

/** Rows of each kind until a batch is full and is flushed within its turn. */
export const MAX_SAMPLES = 4096;
export const MAX_SUMS = 1024;
export const MAX_OPERATIONS = 1024;
export const HISTOGRAM_BYTES: number = 32 * 1024;
/** A histogram with more does not fit into a batch. */
export const MAX_BUCKETS: number = (HISTOGRAM_BYTES - histogramRowBytes(0)) / 8;

const CONTROL_BYTES = 96;
export const PATH_BYTES = 1024;
export const PATH_AT: number = CONTROL_BYTES;
export const BASE_AT = 32;
export const SEQUENCE_AT = 48;
export const SAMPLES_AT: number = CONTROL_BYTES + PATH_BYTES;
export const SUMS_AT: number = SAMPLES_AT + 20 * MAX_SAMPLES;
export const OPERATIONS_AT: number = SUMS_AT + 16 * MAX_SUMS;
export const SPANS_AT: number = OPERATIONS_AT + 28 * MAX_OPERATIONS;
export const HISTOGRAMS_AT: number = SPANS_AT + 24 * MAX_OPERATIONS;
export const BATCH_BYTES: number = HISTOGRAMS_AT + HISTOGRAM_BYTES;

/** Words of control. */
export const CONTROL_WORDS = 16;
export const CLOSED = 0;
export const SAMPLES = 1;
export const SUMS = 2;
export const OPERATIONS = 3;
export const HISTOGRAM_ROWS = 4;
export const OWNER = 6;
export const PATH_LENGTH = 7;
export const WATCHER = 14;
export const TRACED = 15;
