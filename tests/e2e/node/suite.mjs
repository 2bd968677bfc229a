// All tests in one process, which is several times as fast as `node --test` with a process for each file.
import './errors.test.mjs';
import './files.test.mjs';
import './handlers.test.mjs';
import './methods.test.mjs';
import './objects.test.mjs';
import './runs.test.mjs';
import './tools.test.mjs';
import './vector_stores.test.mjs';
import './views.test.mjs';
