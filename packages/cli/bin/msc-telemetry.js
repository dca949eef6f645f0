#!/usr/bin/env node
// Nothing is imported before the version is known: an old Node would fail to parse it, and not say why.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 15)) {
  const { main } = await import('../dist/src/main.js');
  process.exitCode = await main(process.argv.slice(2));
} else {
  console.error(`msc-telemetry: got Node.js ${process.version}, expected 22.15 or later`);
  process.exitCode = 1;
}
