// Taken at load: programs replace the global timers in their tests.
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';

const MAX_TIMER_MILLIS = 2 ** 31 - 1;

/**
 * Runs a task with a signal that aborts after `timeoutMillis`, and settles as the task does. A task that has not
 * settled right after its signal is abandoned: the promise rejects, and the task's own end is ignored.
 */
export async function withDeadline<T>(
  timeoutMillis: number,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { promise: abandoned, reject } = Promise.withResolvers<never>();
  function expire(): void {
    const error = new Error(`nothing came back within ${timeoutMillis} ms`);
    controller.abort(error);
    setImmediate(() => reject(error));
  }
  const timer = setTimeout(expire, Math.min(timeoutMillis, MAX_TIMER_MILLIS));
  try {
    return await Promise.race([task(controller.signal), abandoned]);
  } finally {
    clearTimeout(timer);
  }
}
