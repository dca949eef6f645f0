/**
 * Merged windows: distributions of all writers → one exact distribution per series, with a point for each window in which
 * it changed. The same rules as for sums.
 *
 * In: changes, by window. Out: points of the windows that close: the change (delta) or all of it so far (cumulative).
 * Invariant: a distribution never misses, repeats or loses a value. What comes late opens its window once more, and leaves
 * at a time behind that of the last point.
 */
import type { Temporality } from '../exporters/exporter.ts';
import { closing, PointTimes, windowEnd, type Close } from './windows.ts';

/** What is merged: `Value` is what leaves, `State` its form in the checkpoint. */
export interface Shape<Content, State, Value> {
  empty(): Content;
  merge(into: Content, change: Content): void;
  /** A copy: the content goes on. */
  valueOf(content: Content): Value;
  toState(content: Content): State;
  fromState(state: State): Content;
}

export interface MergedState<State> {
  readonly total: State;
  readonly startMillis: number;
  readonly lastMillis: number;
  readonly open: readonly (readonly [window: number, change: State])[];
}

export class MergedWindows<Content, State, Value> {
  readonly #shape: Shape<Content, State, Value>;
  /** Up to the last closed window. */
  readonly #total: Content;
  readonly #times: PointTimes;
  readonly #open = new Map<number, Content>();

  constructor(
    shape: Shape<Content, State, Value>,
    start: { readonly startMillis: number } | MergedState<State>,
  ) {
    const { total, open = [] }: Partial<MergedState<State>> = start;
    this.#shape = shape;
    this.#total = total === undefined ? shape.empty() : shape.fromState(total);
    this.#times = new PointTimes(start);
    for (const [window, change] of open) this.#open.set(window, shape.fromState(change));
  }

  /** What has been added to a window so far, to add to. */
  protected open(window: number): Content {
    let open = this.#open.get(window);
    if (open === undefined) {
      open = this.#shape.empty();
      this.#open.set(window, open);
    }
    return open;
  }

  close(
    close: Close,
    temporality: Temporality,
    emit: (millis: number, value: Value, startMillis: number) => void,
  ): void {
    const point = (atMillis: number, content: Content): void => {
      const [millis, startMillis] = this.#times.next(atMillis, temporality);
      emit(millis, this.#shape.valueOf(content), startMillis);
    };
    const windows = closing(this.#open, close);
    for (const window of windows) {
      const change = this.#open.get(window) as Content;
      this.#open.delete(window);
      this.#shape.merge(this.#total, change);
      point(windowEnd(window, close), temporality === 'delta' ? change : this.#total);
    }
    if (windows.length === 0 && this.#times.isRepeated(close, temporality)) {
      point(close.nowMillis, this.#total);
    }
  }

  /** Whether a window waits. */
  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  get state(): MergedState<State> {
    const { startMillis, lastMillis } = this.#times.state;
    return {
      total: this.#shape.toState(this.#total),
      startMillis,
      lastMillis,
      open: [...this.#open].map(([window, change]) => [window, this.#shape.toState(change)] as const),
    };
  }
}
