/* A client of MariaDB as applications have one in them: sends what standard input says, as it is.
 *
 *   client HOST|SOCKET PORT USER PASSWORD DATABASE
 *
 * Standard input is messages, each a letter, a text and a NUL:
 *
 *   Q SQL                     a statement as text
 *   S SQL [1F VALUE]...       a statement prepared on the server, and run with these values
 *   U USER [1F PASSWORD]      goes on under another account
 *   D DATABASE                changes the database
 *   M                         from here on one message may hold several statements
 *   P                         asks whether the server is there
 *
 * Prints `id N`, the number of its connection, and for each message `ok`, or `error N` with the
 * server's number. A login that is refused is `refused N`, which is no failure of this program.
 */
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_VALUES 16

static char *read_all(size_t *length) {
    size_t size = 1 << 16;
    char *bytes = malloc(size + 1);
    *length = 0;
    while (bytes) {
        size_t got = fread(bytes + *length, 1, size - *length, stdin);
        if (got == 0) {
            bytes[*length] = '\0';
            return bytes;
        }
        *length += got;
        if (*length == size) {
            size *= 2;
            bytes = realloc(bytes, size + 1);
        }
    }
    exit(3);
}

/* Cuts off the first part of a text at 1F; what is behind it, or NULL. */
static char *rest_of(char *text) {
    char *rest = strchr(text, 0x1f);
    if (rest) *rest++ = '\0';
    return rest;
}

static unsigned text_statement(MYSQL *server, const char *sql) {
    if (mysql_real_query(server, sql, strlen(sql))) return mysql_errno(server);
    int more;
    do {
        MYSQL_RES *result = mysql_store_result(server);
        if (result) mysql_free_result(result);
        else if (mysql_errno(server)) return mysql_errno(server);
        more = mysql_next_result(server);
        if (more > 0) return mysql_errno(server);
    } while (more == 0);
    return 0;
}

static unsigned prepared_statement(MYSQL *server, char *sql) {
    MYSQL_BIND values[MOST_VALUES];
    unsigned number = 0;
    memset(values, 0, sizeof values);
    for (char *value = rest_of(sql); value; number++) {
        char *next = rest_of(value);
        if (number == MOST_VALUES) exit(3);
        values[number].buffer_type = MYSQL_TYPE_STRING;
        values[number].buffer = value;
        values[number].buffer_length = strlen(value);
        value = next;
    }
    MYSQL_STMT *statement = mysql_stmt_init(server);
    if (!statement) exit(3);
    unsigned error = 0;
    if (mysql_stmt_prepare(statement, sql, strlen(sql)) ||
        (number && mysql_stmt_bind_param(statement, values)) || mysql_stmt_execute(statement) ||
        mysql_stmt_store_result(statement))
        error = mysql_stmt_errno(statement);
    mysql_stmt_close(statement);
    return error;
}

static unsigned other_account(MYSQL *server, char *user) {
    char *password = rest_of(user);
    return mysql_change_user(server, user, password, NULL) ? mysql_errno(server) : 0;
}

static unsigned handle(MYSQL *server, char kind, char *text) {
    switch (kind) {
    case 'Q': return text_statement(server, text);
    case 'S': return prepared_statement(server, text);
    case 'U': return other_account(server, text);
    case 'D': return mysql_select_db(server, text) ? mysql_errno(server) : 0;
    case 'M':
        return mysql_set_server_option(server, MYSQL_OPTION_MULTI_STATEMENTS_ON)
                   ? mysql_errno(server) : 0;
    case 'P': return mysql_ping(server) ? mysql_errno(server) : 0;
    }
    fprintf(stderr, "unknown message %c\n", kind);
    exit(3);
}

int main(int count, char **arguments) {
    if (count != 6) return 3;
    const char *place = arguments[1], *database = arguments[5];
    int by_socket = place[0] == '/';
    unsigned protocol = by_socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    unsigned patience = 20;
    my_bool verify = 0;
    MYSQL *server = mysql_init(NULL);
    if (!server) return 3;
    mysql_optionsv(server, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_optionsv(server, MYSQL_OPT_CONNECT_TIMEOUT, &patience);
    mysql_optionsv(server, MYSQL_OPT_READ_TIMEOUT, &patience);
    mysql_optionsv(server, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
    mysql_optionsv(server, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (!mysql_real_connect(server, by_socket ? NULL : place, arguments[3], arguments[4],
                            *database ? database : NULL, (unsigned)atoi(arguments[2]),
                            by_socket ? place : NULL, 0)) {
        printf("refused %u\n", mysql_errno(server));
        mysql_close(server);
        return 0;
    }
    printf("id %lu\n", mysql_thread_id(server));
    size_t length;
    char *bytes = read_all(&length);
    for (size_t at = 0; at < length;) {
        size_t end = at + strlen(bytes + at);
        if (end > at) {
            unsigned error = handle(server, bytes[at], bytes + at + 1);
            if (error) printf("error %u\n", error);
            else puts("ok");
        }
        at = end + 1;
    }
    mysql_close(server);
    free(bytes);
    return 0;
}
