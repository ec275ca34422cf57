/** A PDF made by hand: pages of text in Helvetica, with nothing but what a reader needs. */

/** A line of a page: its text, its place from below, and the size of its letters. */
export type PdfLine = { text: string; y: number; size?: number };

/** @param options.encrypted says that a password is needed, which nobody knows */
export function pdfOf(pages: readonly (readonly PdfLine[])[], { encrypted = false } = {}): Buffer {
  const escaped = (text: string) => text.replaceAll(/[\\()]/g, '\\$&');
  const content = (lines: readonly PdfLine[]) =>
    lines.map(({ text, y, size = 11 }) => `BT /F1 ${size} Tf 50 ${y} Td (${escaped(text)}) Tj ET`).join('\n');
  const kids = pages.map((_, i) => `${4 + 2 * i} 0 R`).join(' ');
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Count ${pages.length} /Kids [${kids}] >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    ...pages.flatMap((lines, i) => [
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${5 + 2 * i} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`,
      `<< /Length ${content(lines).length} >>\nstream\n${content(lines)}\nendstream`,
    ]),
  ];
  let text = '%PDF-1.4\n';
  const places = objects.map((object, i) => {
    const at = text.length;
    text += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(at).padStart(10, '0')} 00000 n \n`;
  });
  const password = `<${'5a'.repeat(32)}>`;
  const locked = encrypted
    ? ` /Encrypt << /Filter /Standard /V 1 /R 2 /O ${password} /U ${password} /P -4 >> /ID [<00> <00>]`
    : '';
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${places.join('')}`;
  const trailer = `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R${locked} >>\n`;
  return Buffer.from(`${text}${table}${trailer}startxref\n${text.length}\n%%EOF\n`, 'latin1');
}
