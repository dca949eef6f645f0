/** What the server has said that its program should hear of: what takes somebody to look at it. */
import { readServerStatus, SCRAPED_SUFFIX } from './tree/requests.ts';

/** One line each, for the configurations that this thread records for, by digest. */
export function complaintsOf(
  directory: string,
  recordings: ReadonlyMap<string, { readonly signal: 'metrics' | 'traces' }>,
): string[] {
  const { configurations = {}, link } = readServerStatus(directory) ?? {};
  const complaints: string[] = [];
  // A connection that is away comes back by itself.
  if (link?.error !== undefined && link.errorCode !== 'MSC_LINK_AWAY') {
    complaints.push(`${link.host}:${link.port}: ${link.error}: what is recorded stays in the journal`);
  }
  for (const [digest, { signal }] of recordings) {
    const status = configurations[digest];
    const scraped = configurations[digest + SCRAPED_SUFFIX] ?? status;
    if (status?.state === 'failed') {
      complaints.push(`${status.error ?? 'exporter failed'}: ${signal} are dropped`);
    } else if (scraped?.exporter === 'prometheus' && scraped.state === 'ok' && scraped.error !== undefined) {
      complaints.push(scraped.error);
    }
  }
  return complaints;
}
