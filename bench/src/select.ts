/** Which benches a user asks for: names, each of which stands for all names below it. */

/** `record` covers `record/bound`, which covers `record/bound/3x100`; `rec` covers nothing. */
export function covers(selected: string, name: string): boolean {
  return name === selected || name.startsWith(`${selected}/`);
}

/** Whether a name was asked for; with nothing asked for, every one is. */
export function isSelected(selection: readonly string[], name: string): boolean {
  return selection.length === 0 || selection.some((selected) => covers(selected, name));
}

/** Whether anything below a name, or the name itself, was asked for. */
export function isNeeded(selection: readonly string[], name: string): boolean {
  return isSelected(selection, name) || selection.some((selected) => covers(name, selected));
}

/** Those that stand for no bench. `names` may be beginnings of names. */
export function unknownNames(selection: readonly string[], names: readonly string[]): string[] {
  return selection.filter(
    (selected) => !names.some((name) => covers(selected, name) || covers(name, selected)),
  );
}
