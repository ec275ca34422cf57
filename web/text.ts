/** Texts made safe to look at, as everywhere: `process/visible.ts` says what that covers and what it does not. */
export { cutText, visible, visibleString } from '../process/visible.ts';
