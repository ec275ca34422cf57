/** Days and sums of money at once. */
import { messagesTask } from './in-figures.ts';

export default messagesTask('both');
