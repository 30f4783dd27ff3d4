/** `a.b[2].c`; what is not a plain word is quoted, so that no key can break the line. Pure. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => {
      const text = String(part);
      if (/^\d+$/.test(text)) return `[${text}]`;
      const word = /^[\w$*-]{1,64}$/.test(text) ? text : JSON.stringify(text.slice(0, 64));
      return index === 0 ? word : `.${word}`;
    })
    .join("");
}
