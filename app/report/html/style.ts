/** The page's style sheet: that of the web page's parts, then the report's own. */
import { readFileSync } from 'node:fs';

export const style = ['../../html/base.css', './report.css']
  .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))
  .join('\n');
