/** How samples ended, in words: on the terminal, in the HTML report and on the web page. */
import { percent } from '../../process/text.ts';

type Endings = { samples: number; cutOff?: number; refused?: number };

/** `, 12.0 % of them cut off by their limit of tokens`; empty where all ended by themselves. */
export function endingsText({ samples, cutOff = 0, refused = 0 }: Endings): string {
  const share = (count: number) => percent(count / Math.max(1, samples));
  const parts = [
    cutOff > 0 ? `${share(cutOff)} of them cut off by their limit of tokens` : '',
    refused > 0 ? `${share(refused)} refused` : '',
  ];
  return parts
    .filter(Boolean)
    .map((part) => `, ${part}`)
    .join('');
}

/** `, estimated`: the endpoint counted no tokens, or not those of all requests. */
export function estimatedText({ estimated = 0, requests }: { estimated?: number; requests: number }): string {
  if (estimated === 0) return '';
  return estimated >= requests ? ', estimated' : `, of ${estimated} of ${requests} requests estimated`;
}
