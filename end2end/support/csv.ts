// A strict reader of RFC 4180: what it takes, every spreadsheet takes.

/** The records of `text`; throws where it departs from the RFC. */
export function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/y;
  let record: string[] = [];
  while (field.lastIndex < text.length || record.length > 0) {
    const from = field.lastIndex;
    const match = field.exec(text);
    if (!match) throw new Error(`not RFC 4180 at offset ${from}: ${JSON.stringify(text.slice(from, from + 60))}`);
    const [, quoted, plain, end] = match;
    record.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === ',') continue;
    records.push(record);
    record = [];
  }
  const width = records[0]?.length;
  const odd = records.find((one) => one.length !== width);
  if (odd) throw new Error(`a record of ${odd.length} fields where the header has ${width}: ${JSON.stringify(odd)}`);
  return records;
}

/** Whether a spreadsheet would run the cell as a formula. */
export function isFormula(cell: string): boolean {
  return /^[=+\-@\t\r]/.test(cell);
}
