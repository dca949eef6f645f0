/**
 * What a recorder could not keep: calls by reason, and spans whose end found no room.
 *
 * In: losses. Out: the frames that say so, once for each change. Invariant: the counts are cumulative; what was not written
 * is said again. Memory: bounded in spans, which an outage of hours may lose by the million.
 */
import { encodeJson, FrameType, type FramePart } from '../journal/frame.ts';

/** Why a call of `record`, `add` or an operation's end is not in the journal. */
export type DropReason = 'invalid_value' | 'invalid_attributes' | 'budget' | 'closed';

/** Of one account: an outage of hours must not fill the memory. */
const MAX_LOST_SPANS = 65_536;

export class Losses {
  readonly #dropped = new Map<DropReason, number>();
  readonly #lostSpans: string[] = [];
  /** Whether there is something that no frame says yet. */
  isChanged = false;

  drop(reason: DropReason, calls: number): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + calls);
    this.isChanged = true;
  }

  /** Goes with the next account. */
  loseSpan(spanId: string): void {
    if (this.#lostSpans.length < MAX_LOST_SPANS) this.#lostSpans.push(spanId);
  }

  get dropped(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#dropped);
  }

  /** Calls that were in no batch. */
  get unrecorded(): number {
    let calls = 0;
    for (const [reason, count] of this.#dropped) calls += reason === 'budget' ? 0 : count;
    return calls;
  }

  parts(): FramePart[] {
    const parts: FramePart[] = [];
    if (this.isChanged) {
      const payload = encodeJson({ dropped: this.dropped });
      parts.push({ type: FrameType.ACCOUNT, rows: 0, units: 0, payload });
    }
    if (this.#lostSpans.length > 0) {
      const payload = encodeJson(this.#lostSpans);
      parts.push({ type: FrameType.LOST_SPANS, rows: this.#lostSpans.length, units: 0, payload });
    }
    return parts;
  }

  /** All of it is written. */
  settle(): void {
    this.isChanged = false;
    this.#lostSpans.length = 0;
  }
}
