/**
 * Raw samples of single operations: every one has its own time, value and attributes (seed: `Telemetry.GaugeName`).
 */
export const GaugeName = {
  /** Seconds from the start of an operation until its last byte. */
  LATENCY: 'multistorageclient.latency',
  /** Bytes that one successful read, write or copy moved. */
  DATA_SIZE: 'multistorageclient.data_size',
  /** Bytes per second of one successful read, write or copy. */
  DATA_RATE: 'multistorageclient.data_rate',
} as const;
export type GaugeName = (typeof GaugeName)[keyof typeof GaugeName];

/** Exact totals over all operations of the tree (seed: `Telemetry.CounterName`). */
export const CounterName = {
  /** Operations started; it has no status. */
  REQUEST_SUM: 'multistorageclient.request.sum',
  /** Operations ended, by status. */
  RESPONSE_SUM: 'multistorageclient.response.sum',
  /** Bytes moved by successful reads, writes and copies. */
  DATA_SIZE_SUM: 'multistorageclient.data_size.sum',
} as const;
export type CounterName = (typeof CounterName)[keyof typeof CounterName];

/** Unit of each instrument, in UCUM as OpenTelemetry asks (seed: `_GAUGE_UNIT_MAPPING`, `_COUNTER_UNIT_MAPPING`). */
export const UNITS: Readonly<Record<GaugeName | CounterName, string>> = {
  [GaugeName.LATENCY]: 's',
  [GaugeName.DATA_SIZE]: 'By',
  [GaugeName.DATA_RATE]: 'By/s',
  [CounterName.REQUEST_SUM]: '{request}',
  [CounterName.RESPONSE_SUM]: '{response}',
  [CounterName.DATA_SIZE_SUM]: 'By',
};

/** Name of the meter that the gauges and counters of storage operations belong to (seed: `get_meter`). */
export const METER_NAME = 'multistorageclient';

/** Name of the tracer that the spans of storage operations belong to (seed: `get_tracer`). */
export const TRACER_NAME = 'multistorageclient';

/** Instruments whose name begins so belong to the whole tree: one resource, summed and merged over processes. */
export const TREE_PREFIX = 'multistorageclient.';
