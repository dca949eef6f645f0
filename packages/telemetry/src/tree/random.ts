/** Names that nobody else has given. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from './files.ts';

/** A random UUID: Linux makes one itself, for a hundredth of what loading `node:crypto` takes. */
export function uuid(): string {
  try {
    const text = readFileSync('/proc/sys/kernel/random/uuid', 'utf8').trim();
    if (text.length === 36) return text;
  } catch {
    // Another system, or a /proc without it.
  }
  return randomUUID();
}

/** 32 hexadecimal digits, of which the first eight are random in every bit. */
export function randomName(): string {
  return uuid().replaceAll('-', '');
}
