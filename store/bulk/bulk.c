// The SQL function bulk(sql, columns, rows): runs one statement for each row of
// a packed table of integers. See bulk.go.

#include <stdint.h>
#include <string.h>

// What is used of SQLite, as its documentation declares it (sqlite.org/c3ref).
// The library itself is the one that the driver brings, linked into the same program.
typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;
typedef struct sqlite3_context sqlite3_context;
typedef struct sqlite3_value sqlite3_value;

extern int sqlite3_auto_extension(void (*entry)(void));
extern int sqlite3_create_function_v2(sqlite3 *, const char *, int, int, void *,
	void (*)(sqlite3_context *, int, sqlite3_value **),
	void (*)(sqlite3_context *, int, sqlite3_value **),
	void (*)(sqlite3_context *), void (*)(void *));
extern sqlite3 *sqlite3_context_db_handle(sqlite3_context *);
extern const unsigned char *sqlite3_value_text(sqlite3_value *);
extern const void *sqlite3_value_blob(sqlite3_value *);
extern int sqlite3_value_bytes(sqlite3_value *);
extern int sqlite3_value_int(sqlite3_value *);
extern int sqlite3_prepare_v2(sqlite3 *, const char *, int, sqlite3_stmt **, const char **);
extern int sqlite3_bind_parameter_count(sqlite3_stmt *);
extern int sqlite3_bind_int64(sqlite3_stmt *, int, long long);
extern int sqlite3_bind_null(sqlite3_stmt *, int);
extern int sqlite3_step(sqlite3_stmt *);
extern int sqlite3_reset(sqlite3_stmt *);
extern int sqlite3_finalize(sqlite3_stmt *);
extern int sqlite3_extended_errcode(sqlite3 *);
extern const char *sqlite3_errmsg(sqlite3 *);
extern void sqlite3_result_error(sqlite3_context *, const char *, int);
extern void sqlite3_result_error_code(sqlite3_context *, int);
extern void sqlite3_result_int64(sqlite3_context *, long long);

enum {
	OK = 0,         // SQLITE_OK
	ROW = 100,      // SQLITE_ROW
	DONE = 101,     // SQLITE_DONE
	UTF8 = 1,       // SQLITE_UTF8
	DIRECTONLY = 0x80000, // SQLITE_DIRECTONLY: not from triggers or views, which a file could bring
};

// fail makes the last error of the connection the function's: its text and its code.
static void fail(sqlite3_context *ctx, sqlite3 *db) {
	sqlite3_result_error(ctx, sqlite3_errmsg(db), -1);
	sqlite3_result_error_code(ctx, sqlite3_extended_errcode(db));
}

static void bulk(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
	(void)argc;
	sqlite3 *db = sqlite3_context_db_handle(ctx);
	const char *sql = (const char *)sqlite3_value_text(argv[0]);
	int64_t columns = sqlite3_value_int(argv[1]);
	const unsigned char *at = sqlite3_value_blob(argv[2]);
	int64_t size = sqlite3_value_bytes(argv[2]);
	if (sql == 0 || columns <= 0 || size % (8 * columns) != 0) {
		sqlite3_result_error(ctx, "bulk: arguments", -1);
		return;
	}
	sqlite3_stmt *st = 0;
	if (sqlite3_prepare_v2(db, sql, -1, &st, 0) != OK) {
		fail(ctx, db);
		return;
	}
	if (sqlite3_bind_parameter_count(st) != columns) {
		sqlite3_finalize(st);
		sqlite3_result_error(ctx, "bulk: columns", -1);
		return;
	}
	int64_t rows = size / (8 * columns);
	for (int64_t r = 0; r < rows; r++) {
		for (int c = 1; c <= columns; c++, at += 8) {
			int64_t v;
			memcpy(&v, at, 8);
			if (v == INT64_MIN)
				sqlite3_bind_null(st, c);
			else
				sqlite3_bind_int64(st, c, v);
		}
		int rc = sqlite3_step(st);
		if (rc != DONE && rc != ROW) {
			fail(ctx, db);
			sqlite3_finalize(st);
			return;
		}
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
	sqlite3_result_int64(ctx, rows);
}

// entry is called by SQLite for each connection that is opened.
static int entry(sqlite3 *db, char **message, const void *api) {
	(void)message;
	(void)api;
	return sqlite3_create_function_v2(db, "bulk", 3, UTF8 | DIRECTONLY, 0, bulk, 0, 0, 0);
}

int osect_bulk_register(void) { return sqlite3_auto_extension((void (*)(void))entry); }
