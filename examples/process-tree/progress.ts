/** One line on stderr that is rewritten while the work goes on; without a terminal, a line every few seconds. */
import { formatCount, formatRate, formatSeconds } from '@multistorageclient/cli';

const LINE_MILLIS = 5000;

export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #total: number;
  readonly #startedAt = performance.now();
  #nextLineMillis = LINE_MILLIS;

  constructor(total: number, stream: NodeJS.WriteStream) {
    this.#total = total;
    this.#stream = stream;
  }

  /** Something happened that is worth a line of its own. */
  say(text: string): void {
    this.#stream.write(`${this.#stream.isTTY ? '\r\u001B[K' : ''}${text}\n`);
  }

  update(operations: number, threads: number): void {
    const millis = performance.now() - this.#startedAt;
    const [done, total] = [operations, Math.max(this.#total, operations)].map(formatCount);
    const rate = formatRate((operations / millis) * 1000);
    const text = `${done} of about ${total} operations by ${threads} ${threads === 1 ? 'thread' : 'threads'}, ${rate}, ${formatSeconds(millis / 1000)}`;
    if (this.#stream.isTTY) {
      this.#stream.write(`\r${text}\u001B[K`);
    } else if (millis >= this.#nextLineMillis) {
      this.#nextLineMillis = millis + LINE_MILLIS;
      this.say(text);
    }
  }

  end(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\u001B[K');
  }
}
