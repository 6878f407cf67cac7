import { serve } from './server.mjs';

serve((load) => load);
