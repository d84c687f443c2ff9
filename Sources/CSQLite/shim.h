#pragma once

// The system's SQLite. Swift cannot import the variadic sqlite3_config and sqlite3_db_config; we need neither.
#include <sqlite3.h>
