/**
 * Delivery: one request at a time to the exporter, until the backend has it or will never take it.
 *
 * In: requests of a plan, in order. Out: an event in the plan's log for each, and counts in the accounts.
 * Invariant: a request that was settled is not sent again; an unanswered one is sent again unchanged, and counted.
 * On failure: a retryable outcome is retried without a limit of time, with back-off; the journal holds what waits.
 */
import type { BatchExporter, ExportOutcome } from '../exporters/exporter.ts';
import type { JournalAccount } from './account.ts';
import type { PlanEvent, PlanLog } from './plan.ts';
import { unitsOf, type Request, type Splitter } from './signal.ts';

const { clearTimeout, setTimeout } = globalThis;

/** Doubles with every failure in a row, from the first to the second. */
const FIRST_BACKOFF_MILLIS = 100;
const MAX_BACKOFF_MILLIS = 5000;

/** The server is leaving: the plan stays, and the next server finishes it. */
export class Stopped extends Error {}

export interface DeliveryOptions<Batch> {
  readonly exporter: BatchExporter<Batch>;
  readonly splitter: Splitter<Batch>;
  readonly timeoutMillis: number;
  readonly accountOf: (journal: string) => JournalAccount;
  readonly onState: (error: Error | undefined) => void;
  /** Called after each try, with what became of it. */
  readonly onOutcome?: (outcome: ExportOutcome, seconds: number) => void;
  /** Whether a wait between two tries keeps the process alive. Default true. */
  readonly keepsAlive?: boolean;
}

export class Delivery<Batch> {
  readonly #options: DeliveryOptions<Batch>;
  readonly #plan: PlanLog;
  #failures = 0;
  #isStopped = false;
  #wake: (() => void) | undefined;
  /** The backend said when to come back. */
  #isTold = false;

  constructor(plan: PlanLog, options: DeliveryOptions<Batch>) {
    this.#plan = plan;
    this.#options = options;
  }

  /** Lets the exporter encode a request that is delivered soon, unless it was settled by a server that was killed. */
  prepare({ batch }: Request<Batch>, name: string): void {
    const what = this.#plan.event(name)?.what;
    if (what === undefined || what === 'sent' || what === 'refused') this.#options.exporter.prepare?.(batch);
  }

  /** Delivers one request of the plan. Rejects only with `Stopped`, or where the plan cannot be written. */
  async deliver(request: Request<Batch>, name: string): Promise<void> {
    const known = this.#plan.event(name);
    if (known?.what === 'accepted' || known?.what === 'rejected') return this.#settle(request, known);
    if (known?.what === 'split') return this.#deliverHalves(request, known);
    let repeats = (known?.repeats ?? 0) + (known?.what === 'sent' ? 1 : 0);
    for (;;) {
      if (this.#isStopped) throw new Stopped();
      this.#plan.record({ request: name, what: 'sent', repeats });
      // Sent one after the other on purpose: points of a series must not overtake each other.
      const startMillis = performance.now();
      const outcome = await this.#options.exporter.export(request.batch, this.#options.timeoutMillis);
      this.#options.onOutcome?.(outcome, (performance.now() - startMillis) / 1000);
      if (outcome.status !== 'retry') return this.#ended(outcome, request, name, repeats);
      if (outcome.unanswered === true) repeats++;
      else this.#plan.record({ request: name, what: 'refused', repeats });
      this.#options.onState(outcome.error);
      await this.#backOff(outcome.afterMillis);
    }
  }

  /** Ends a wait between two tries, unless the backend asked for it: somebody wants the data out now. */
  retryNow(): void {
    if (!this.#isTold) this.#wake?.();
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake?.();
  }

  async #ended(
    outcome: Exclude<ExportOutcome, { status: 'retry' }>,
    request: Request<Batch>,
    name: string,
    repeats: number,
  ): Promise<void> {
    this.#failures = 0;
    this.#options.onState(undefined);
    if (outcome.status === 'too-large' && request.owners.length > 1) {
      const split: PlanEvent = { request: name, what: 'split', repeats };
      this.#plan.record(split);
      return this.#deliverHalves(request, split);
    }
    const event: PlanEvent =
      outcome.status === 'accepted'
        ? { request: name, what: 'accepted', repeats, rejectedPoints: outcome.rejectedPoints }
        : { request: name, what: 'rejected', repeats };
    this.#plan.record(event);
    this.#settle(request, event);
  }

  async #deliverHalves(request: Request<Batch>, split: PlanEvent): Promise<void> {
    const [first, second] = this.#options.splitter.halves(request);
    this.#countDuplicates(request, split);
    await this.deliver(first, `${split.request}.0`);
    await this.deliver(second, `${split.request}.1`);
  }

  #settle(request: Request<Batch>, event: PlanEvent): void {
    this.#countDuplicates(request, event);
    // Which points a backend rejected it does not say: they are taken from the writers in order.
    let rejected = event.what === 'rejected' ? request.owners.length : (event.rejectedPoints ?? 0);
    for (const [journal, count] of unitsOf(request)) {
      const dropped = event.what === 'rejected' ? count : Math.min(count, rejected);
      rejected -= dropped;
      const account = this.#options.accountOf(journal);
      account.exported += count - dropped;
      account.drop('rejected', dropped);
    }
  }

  /** When a request is settled, and not before: a plan that is carried out again counts them again. */
  #countDuplicates(request: Request<Batch>, { repeats }: PlanEvent): void {
    if (repeats === 0) return;
    for (const [journal, count] of unitsOf(request)) {
      this.#options.accountOf(journal).duplicated += count * repeats;
    }
  }

  async #backOff(afterMillis: number | undefined): Promise<void> {
    if (this.#isStopped) return;
    const doubled = FIRST_BACKOFF_MILLIS * 2 ** Math.min(this.#failures++, 20);
    // Jitter keeps the servers of many trees from knocking at the same moment.
    const millis = Math.max(
      afterMillis ?? 0,
      Math.min(MAX_BACKOFF_MILLIS, doubled) * (0.5 + Math.random() / 2),
    );
    this.#isTold = afterMillis !== undefined;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(millis, 2 ** 31 - 1));
      if (this.#options.keepsAlive === false) timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
