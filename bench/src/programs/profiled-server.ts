/**
 * The product's server with a profile of it: begins and ends at SIGUSR2, and is then in `<tree>-server.cpuprofile`.
 *
 * Runs the modules that the product's bundle is made of, so that the profile knows their folders.
 */
import { internalUrl } from '../internals.ts';
import { startProfile, type Profiling } from '../profiling.ts';

let profiling: Profiling | undefined;
process.on('SIGUSR2', () => {
  if (profiling === undefined) profiling = startProfile();
  else profiling.end(`${process.argv[2]}-server.cpuprofile`);
});
await import(internalUrl('server/main.js').href);
