import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical.ts';
import type { SignalConfig } from './signals.ts';

/** Names a configuration in directories and requests: the same for the same configuration in every process. */
export function configurationDigest(config: SignalConfig): string {
  return createHash('sha256').update(canonicalJson(config)).digest('hex').slice(0, 16);
}
