/** What a bench is: names of results, and how to come by them. */
import type { Place } from './place.ts';
import type { Measurement } from './results.ts';

export interface Context {
  /** Whether a result was asked for; a bench measures no others where that saves time. */
  readonly wants: (name: string) => boolean;
  /** Tiny sizes: to see that everything works, not to measure. */
  readonly isQuick: boolean;
  readonly place: Place;
  /** One line about what goes on. */
  readonly say: (text: string) => void;
}

export interface Bench {
  /** Beginnings of the names of its results. */
  readonly names: readonly string[];
  readonly run: (context: Context) => Promise<readonly Measurement[]>;
}
