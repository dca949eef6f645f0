/**
 * Watching: the same look again and again, until somebody ends it.
 *
 * In: what shows one look. Out: on a terminal a screen of its own that is drawn over; elsewhere one look after the other.
 * Invariant: however it ends, the terminal is as it was before. A look that takes long is not followed by another at once.
 * On failure: it ends where its reader is gone, as `head` is.
 */
import type { WriteStream } from 'node:tty';
import { setTimeout } from 'node:timers/promises';

/** Alternate screen, no cursor, no wrapped lines. */
const ENTER = '\u001B[?1049h\u001B[?25l\u001B[?7l';
const LEAVE = '\u001B[?7h\u001B[?25h\u001B[?1049l';
const HOME = '\u001B[H';
const END_OF_LINE = '\u001B[K';
const END_OF_SCREEN = '\u001B[J';

/** Calls `look` every `intervalMillis` until SIGINT, SIGTERM or the end of stdout's reader. */
export async function watch(intervalMillis: number, look: () => void): Promise<void> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  process.stdout.once('error', end).once('close', end);
  try {
    while (!ending.signal.aborted) {
      const startMillis = performance.now();
      look();
      // All that waits in journals is read: half of the time at most.
      const tookMillis = performance.now() - startMillis;
      await paused(Math.max(intervalMillis - tookMillis, tookMillis), ending.signal);
    }
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
    process.stdout.off('error', end).off('close', end);
  }
}

/** `watch` with a screen of its own: `look` gives its lines. */
export async function watchOnScreen(
  terminal: WriteStream,
  intervalMillis: number,
  look: () => readonly string[],
): Promise<void> {
  terminal.write(ENTER);
  try {
    await watch(intervalMillis, () => {
      const lines = fitting(look(), terminal.rows);
      terminal.write(HOME + lines.map((line) => line + END_OF_LINE).join('\n') + END_OF_SCREEN);
    });
  } finally {
    terminal.write(LEAVE);
  }
}

function fitting(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  return [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more lines`];
}

async function paused(millis: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(millis, undefined, { signal });
  } catch {
    // Ended: the loop sees it.
  }
}
