/**
 * Imported before anything of `src`, which captures its timers at load: waits between two tries take no time, or, while
 * they are held, last until somebody ends them. How long they would have taken is kept.
 */
const { setTimeout } = globalThis;

export const waits: number[] = [];
export const held: { on: boolean } = { on: false };

globalThis.setTimeout = ((task: () => void, millis = 0): NodeJS.Timeout => {
  waits.push(millis);
  return held.on ? setTimeout(task, 2 ** 31 - 1).unref() : setTimeout(task, 0);
}) as typeof globalThis.setTimeout;
