/**
 * Who a process is, and whether it still lives.
 *
 * In: a pid, or an identity that another process wrote down. Out: identities, verdicts, parents.
 * Invariant: 'dead' is said only of a process that can never write again; a reused pid is another process.
 * On failure (no /proc, no permission, nonsense): the field is '' and the verdict 'unknown'. Nothing here throws.
 */
import { codeOf } from './errno.ts';
import { readFileSync, readlinkSync } from './files.ts';

/** One process of one boot of one machine: a pid alone is reused. Fields that the platform does not tell are ''. */
export interface ProcessIdentity {
  /** As seen inside its pid namespace. */
  readonly pid: number;
  /** Linux: clock ticks from boot to its start (field 22 of `/proc/PID/stat`). macOS, Windows: ''. */
  readonly startTime: string;
  /** Linux: `/proc/sys/kernel/random/boot_id`. macOS, Windows: ''. */
  readonly bootId: string;
  /** Linux: inode number of its pid namespace. macOS, Windows: ''. */
  readonly pidNamespace: string;
}

/** 'unknown': it cannot be looked up from here, as it is in another pid namespace or hidden from this user. */
export type Liveness = 'alive' | 'dead' | 'unknown';

interface Status {
  readonly state: string;
  readonly parent: number;
  readonly threads: number;
  readonly startTime: string;
}

/** No process tree is deeper; a loop of parents, which a snapshot of changing processes can show, ends here. */
const MAX_DEPTH = 64;

let current: ProcessIdentity | undefined;
let here: Pick<ProcessIdentity, 'bootId' | 'pidNamespace'> | undefined;
let procIsOurs: boolean | undefined;

/** The identity of this process; read once. */
export function currentIdentity(): ProcessIdentity {
  current ??= Object.freeze(describe(process.pid, readStatus(process.pid)));
  return current;
}

/** The identity of a process of this pid namespace; undefined if there is none with that pid. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const status = readStatus(pid);
  return status !== undefined || signal(pid) !== 'ESRCH' ? describe(pid, status) : undefined;
}

/** A process, its parent, and so on, as far as they can be seen from this pid namespace. */
export function* lineage(of: number = process.pid): Generator<ProcessIdentity, void, void> {
  let pid = of;
  for (let depth = 0; isPid(pid) && depth <= MAX_DEPTH; depth++) {
    if (pid === process.pid) {
      yield currentIdentity();
      pid = process.ppid;
      continue;
    }
    const status = readStatus(pid);
    if (status === undefined && signal(pid) === 'ESRCH') return;
    yield describe(pid, status);
    pid = status?.parent ?? askPs(pid) ?? 0;
  }
}

/** Whether the process with this identity lives, as well as this process can tell. */
export function liveness(identity: ProcessIdentity): Liveness {
  const self = currentIdentity();
  const bootsKnown = identity.bootId !== '' && self.bootId !== '';
  if (bootsKnown && identity.bootId !== self.bootId) return 'dead';
  if (identity.pidNamespace !== self.pidNamespace) return 'unknown';
  const status = readStatus(identity.pid);
  if (status === undefined) {
    const answer = signal(identity.pid);
    if (answer === 'ESRCH') return 'dead';
    // Without start times, a pid that answers is all there is to know.
    return answer === undefined && identity.startTime === '' ? 'alive' : 'unknown';
  }
  if (hasEnded(status)) return 'dead';
  return identity.startTime === '' || identity.startTime === status.startTime ? 'alive' : 'dead';
}

/** One line of JSON. */
export function encodeIdentity({ pid, startTime, bootId, pidNamespace }: ProcessIdentity): string {
  return JSON.stringify({ pid, startTime, bootId, pidNamespace });
}

/** Reads an identity from JSON, whatever other fields it has; undefined if a field is missing or not of its form. */
export function decodeIdentity(text: string): ProcessIdentity | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { pid, startTime, bootId, pidNamespace }: Partial<Record<keyof ProcessIdentity, unknown>> = value;
  if (!isPid(pid) || !matches(startTime, DIGITS) || !matches(bootId, BOOT_ID)) return undefined;
  return matches(pidNamespace, DIGITS) ? { pid, startTime, bootId, pidNamespace } : undefined;
}

const DIGITS = /^\d{0,20}$/;
const BOOT_ID = /^[0-9a-f-]{0,36}$/;

const matches = (value: unknown, form: RegExp): value is string =>
  typeof value === 'string' && form.test(value);

/** Zero and negative pids mean groups of processes to the kernel; 32 bits are what Windows uses. */
const isPid = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 2 ** 32;

function describe(pid: number, status: Status | undefined): ProcessIdentity {
  // A process that sees another one sees it in its own namespace, and both run on the same boot.
  here ??= {
    bootId: readText('/proc/sys/kernel/random/boot_id').trim(),
    pidNamespace: /\d+/.exec(readLink('/proc/self/ns/pid'))?.[0] ?? '',
  };
  return { pid, startTime: status?.startTime ?? '', ...here };
}

function readStatus(pid: number): Status | undefined {
  // A /proc mounted for another pid namespace tells of other processes under our pids.
  procIsOurs ??= readLink('/proc/self') === String(process.pid);
  if (!procIsOurs || !isPid(pid)) return undefined;
  const text = readText(`/proc/${pid}/stat`);
  // The second field is the command in parentheses, which may itself contain any of ') '.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields.length < 20) return undefined;
  return {
    state: fields[0],
    parent: Number(fields[1]),
    threads: Number(fields[17]),
    startTime: fields[19],
  };
}

/** A zombie has ended, except one whose other threads are still on their way out: those may be inside a write. */
function hasEnded({ state, threads }: Status): boolean {
  return state === 'X' || (state === 'Z' && threads <= 1);
}

/** What the kernel answers to signal 0: undefined (it may be signalled), ESRCH (no such process), EPERM … */
function signal(pid: number): string | undefined {
  if (!isPid(pid)) return 'ESRCH';
  try {
    process.kill(pid, 0);
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

function askPs(pid: number): number | undefined {
  if (process.platform !== 'darwin') return undefined;
  try {
    // Loaded only here: on Linux no recording process needs it.
    const { spawnSync } = process.getBuiltinModule('node:child_process');
    const options = { env: {}, encoding: 'utf8', timeout: 1000 } as const;
    return Number.parseInt(spawnSync('/bin/ps', ['-o', 'ppid=', '-p', String(pid)], options).stdout, 10);
  } catch {
    return undefined;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
