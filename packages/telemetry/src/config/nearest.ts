/** ` (did you mean run?)`, or nothing where no known name is near to what was typed. */
export function suggestion(typed: string, known: readonly string[]): string {
  const [nearest] = known
    .map((name) => ({ name, edits: editsBetween(typed, name) }))
    .filter(({ name, edits }) => edits <= editsFor(name, 3))
    .toSorted((a, b) => a.edits - b.edits);
  return nearest === undefined ? '' : ` (did you mean ${nearest.name}?)`;
}

/** The first of the names that a text is a typo of: nearer than what `suggestion` asks about. */
export function misspelt(typed: string, names: readonly string[]): string | undefined {
  const text = typed.toLowerCase();
  return names.find((name) => editsBetween(text, name) <= editsFor(name, 4));
}

function editsFor({ length }: string, lettersPerEdit: number): number {
  return Math.max(1, Math.floor(length / lettersPerEdit));
}

/** Letters inserted, left out, replaced, or swapped with their neighbour that make one text the other. */
function editsBetween(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? before[j - 2] + 1 : Infinity;
      next.push(Math.min(replaced, swapped, row[j] + 1, next[j - 1] + 1));
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}
