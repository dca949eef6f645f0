/** One line on stderr, each distinct line once: telemetry that is silent when it is disabled helps nobody. */
const said = new Set<string>();
const MAX_LINES = 1000;

export function logError(message: string): void {
  if (said.has(message) || said.size >= MAX_LINES) return;
  said.add(message);
  console.error(`msc-telemetry: ${message}`);
}
