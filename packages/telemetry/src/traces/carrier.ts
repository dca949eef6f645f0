/** How a context travels into a child: as variables of its environment, and into threads as environment data too. */

/** `TRACEPARENT` and `TRACESTATE` (OpenTelemetry specification, environment variables as context propagation carriers). */
export type Variables = Readonly<Record<string, string>>;

/** What a thread is handed: it has `process.env` of its own, or one that it shares. */
export interface ThreadCarrier {
  readonly variables: Variables;
  /** `TRACEPARENT` of the thread that started it. */
  readonly parent: string | undefined;
}

/** In the environment data of threads. */
export const CARRIER_KEY = 'multistorageclient.telemetry.context';

/** What this process or thread has inherited, before anybody has changed it. */
export const OWN_TRACEPARENT: string | undefined = process.env['TRACEPARENT'];
