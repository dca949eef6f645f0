import { threadId } from 'node:worker_threads';
import type { Attributes } from '@opentelemetry/api';
import { readlinkSync } from '../tree/files.ts';
import { mapped } from './mapped.ts';
import type { ProviderOptions } from './provider.ts';

/** `{attributes: {key: 'ident' | 'native_id'}}`: Node's number of the thread that records, or the operating system's. */
export function threadAttributes(options: ProviderOptions): Attributes {
  return mapped(options, (what) => {
    if (what === 'ident') return threadId;
    return what === 'native_id' ? nativeThreadId() : undefined;
  });
}

/** Node.js does not tell; Linux does, to the very thread that asks. Elsewhere nothing is better than a wrong number. */
function nativeThreadId(): number | undefined {
  try {
    // pid/task/tid
    const id = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    return Number.isSafeInteger(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
