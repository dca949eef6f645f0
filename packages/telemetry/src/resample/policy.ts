/** Which resampling holds for an instrument: the first of the configuration's instruments whose name fits, else the general one. */
import type { ResamplingConfig, ResamplingPolicy } from '../config/signals.ts';

export function resamplingOf(
  { instruments = [], ...general }: ResamplingConfig,
  name: string,
): ResamplingPolicy {
  return instruments.find((instrument) => fits(instrument.name.toLowerCase(), name.toLowerCase())) ?? general;
}

/** `*` stands for any run of characters, `?` for one. In steps, as a regular expression could take for ever. */
function fits(pattern: string, name: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let from = 0;
  while (next < name.length) {
    if (pattern[at] === '*') {
      star = at++;
      from = next;
    } else if (pattern[at] === '?' || pattern[at] === name[next]) {
      at++;
      next++;
    } else if (star >= 0) {
      // The last run takes one more character.
      at = star + 1;
      next = ++from;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(at));
}
