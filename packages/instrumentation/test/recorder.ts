import type { Operation, OperationName, Operations } from '@multistorageclient/telemetry';

export interface Recorded {
  readonly operation: OperationName;
  status?: 'success' | 'error';
  error?: unknown;
  bytes?: number | undefined;
}

/** Holds nothing: nobody here looks into it. */
const EMPTY_CONTEXT: Operation['context'] = {
  getValue: () => undefined,
  setValue: () => EMPTY_CONTEXT,
  deleteValue: () => EMPTY_CONTEXT,
};

/** Keeps what is recorded, the first end of each operation only, as the telemetry does. */
export class Recorder implements Operations {
  readonly recorded: Recorded[] = [];

  start(operation: OperationName): Operation {
    const record: Recorded = { operation };
    this.recorded.push(record);
    return {
      span: undefined,
      context: EMPTY_CONTEXT,
      succeed(bytes) {
        if (record.status === undefined) Object.assign(record, { status: 'success', bytes });
      },
      fail(error) {
        if (record.status === undefined) Object.assign(record, { status: 'error', error });
      },
    };
  }

  /** Waits until every operation has ended, which may take the thread pool a while; gives up after a second or more. */
  async settled(): Promise<void> {
    for (let wait = 0; wait < 1000 && this.recorded.some(({ status }) => status === undefined); wait++) {
      await new Promise((resolve) => void setTimeout(resolve, 1));
    }
  }

  /** What was recorded, in one line each: `read success 12`, `info error ENOENT`, `read` for one that has not ended. */
  get lines(): string[] {
    return this.recorded.map(({ operation, status, error, bytes }) => {
      const detail = status === 'error' ? nameOf(error) : bytes?.toString();
      return [operation, status, detail].filter((part) => part !== undefined).join(' ');
    });
  }
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return `not an Error: ${typeof error}`;
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? code : error.name;
}
