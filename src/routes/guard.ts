import type { IncomingMessage } from 'node:http';
import { HttpError } from '../errors.ts';

const LOOPBACK_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;
const READING = ['GET', 'HEAD', 'OPTIONS'];

/**
 * What keeps other web sites out of a Trivet that is open on the loopback address: a name of theirs that leads here
 * (DNS rebinding) is in `Host`, and a page of theirs that writes is in `Origin`.
 * @throws HttpError 403
 */
export function checkLoopback({ headers, method = 'GET' }: IncomingMessage): void {
  const { host = '', origin } = headers;
  if (!LOOPBACK_HOST.test(host)) {
    throw new HttpError('foreign_host', 'Host has to be localhost, 127.0.0.1 or [::1] with AUTH=loopback.');
  }
  if (origin === undefined || READING.includes(method)) return;
  if (origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    throw new HttpError('foreign_origin', 'A page of another site may not change anything here.');
  }
}
