/**
 * Rates: what has changed in trees from one look to the next.
 *
 * In: looks at trees, with their times. Out: changes per second, by configuration.
 * Invariant: what was not there at the look before has no rate.
 */
import type { TreeStatus } from '@multistorageclient/telemetry';

export interface Rates {
  readonly recordedPerSecond: number;
  readonly exportedPerSecond: number;
  /** By how much the bytes that wait in journals grow, or shrink where it is negative. */
  readonly waitingBytesPerSecond: number;
}

/** Of a tree, by the names of its configurations. */
export type TreeRates = Readonly<Record<string, Rates>>;

export interface Look extends TreeStatus {
  /** Since the look before; absent at the first. */
  readonly rates?: TreeRates;
}

export class Rating {
  #atMillis = 0;
  readonly #before = new Map<string, TreeStatus>();

  /** The trees, with rates since the last call; `nowMillis` is of any clock that never falls. */
  look(trees: readonly TreeStatus[], nowMillis: number): Look[] {
    const seconds = (nowMillis - this.#atMillis) / 1000;
    this.#atMillis = nowMillis;
    const looks = trees.map((tree): Look => {
      const before = this.#before.get(tree.directory);
      return before === undefined ? tree : { ...tree, rates: ratesOf(before, tree, seconds) };
    });
    this.#before.clear();
    for (const tree of trees) this.#before.set(tree.directory, tree);
    return looks;
  }
}

function ratesOf(before: TreeStatus, tree: TreeStatus, seconds: number): TreeRates {
  const rates: Record<string, Rates> = {};
  for (const [name, now] of Object.entries(tree.configurations)) {
    const last = before.configurations[name];
    if (last === undefined) continue;
    rates[name] = {
      recordedPerSecond: (now.account.recorded - last.account.recorded) / seconds,
      exportedPerSecond: (now.account.exported - last.account.exported) / seconds,
      waitingBytesPerSecond: (now.journalBytes - last.journalBytes) / seconds,
    };
  }
  return rates;
}
