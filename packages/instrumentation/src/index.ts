export { instrumentFs, type InstrumentFsOptions } from './fs.ts';
export { type Bytes, observePromise, observeReadable, observeWritable } from './observe.ts';
