import type { TreeConfigurationStatus, TreeStatus } from '@multistorageclient/telemetry';

type Change = Partial<TreeConfigurationStatus> & { readonly recorded?: number; readonly exported?: number };

/** A tree with configurations by name. */
export function tree(changes: Readonly<Record<string, Change>>, rest: Partial<TreeStatus> = {}): TreeStatus {
  const nothing = {
    recorded: 0,
    exported: 0,
    merged: 0,
    journaled: 0,
    dropped: {},
    duplicated: 0,
    overflowed: 0,
  };
  const configurations = Object.fromEntries(
    Object.entries(changes).map(([name, { recorded = 0, exported = 0, ...change }]) => [
      name,
      {
        exporter: 'otlp',
        state: 'ok',
        writers: 1,
        journalBytes: 0,
        account: { ...nothing, recorded, exported, journaled: recorded - exported },
        ...change,
      } as const,
    ]),
  );
  return { directory: '/tree', configurations, writers: [], account: nothing, balanced: true, ...rest };
}
