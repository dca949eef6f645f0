import { setTimeout } from 'node:timers/promises';
import { DEADLINE_MILLIS } from './scene.ts';

/** The first answer of `probe` that is neither `undefined` nor `false`. Rejects after the deadline. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<Exclude<T, undefined | false>> {
  const deadline = Date.now() + DEADLINE_MILLIS;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
    if (Date.now() > deadline) throw new Error(`no ${what} within ${DEADLINE_MILLIS} ms`);
    await setTimeout(10);
  }
}
