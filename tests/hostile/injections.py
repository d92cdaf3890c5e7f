"""Text that wants to be more than text: operators, programs, commands, addresses.

Each is harmless where it is stored and shown as what it is. Those that are JSON are also sent as
what they mean, so that an operator arrives as an object and not as a word.
"""

# MongoDB: operators of queries, of updates, of aggregations, and names that lead elsewhere.
MONGO = (
    '{"$gt": ""}', '{"$gte": ""}', '{"$lt": "~"}', '{"$lte": "~"}', '{"$ne": null}', '{"$ne": 1}',
    '{"$eq": null}', '{"$in": [null]}', '{"$nin": []}', '{"$exists": true}', '{"$exists": false}',
    '{"$type": 2}', '{"$type": "string"}', '{"$regex": ".*"}', '{"$regex": "^", "$options": "i"}',
    '{"$not": {"$eq": 1}}', '{"$nor": [{"a": 1}]}', '{"$or": [{}, {"a": 1}]}', '{"$and": [{}]}',
    '{"$where": "1"}', '{"$where": "sleep(1000)"}', '{"$where": "function() { return true }"}',
    "{\"$where\": \"this.constructor.constructor('return process')().exit()\"}", '{"$expr": true}',
    '{"$expr": {"$eq": [1, 1]}}', '{"$expr": {"$gt": ["$available", 0]}}',
    '{"$function": {"body": "function() { return 1 }", "args": [], "lang": "js"}}',
    '{"$accumulator": {"init": "function() {}", "lang": "js"}}', '{"$jsonSchema": {}}',
    '{"$text": {"$search": "a"}}', '{"$mod": [1, 0]}', '{"$all": []}', '{"$size": 0}',
    '{"$elemMatch": {}}', '{"$bitsAllSet": 1}', '{"$comment": "a"}', '{"$near": [0, 0]}',
    '{"$set": {"available": 1000000}}', '{"$unset": {"sku": ""}}', '{"$inc": {"available": 1000}}',
    '{"$push": {"tail": {}}}', '{"$pull": {"tail": {}}}', '{"$rename": {"held": "available"}}',
    '{"$max": {"headroom": 1000}}', '{"$mul": {"price": 0}}', '{"$setOnInsert": {"a": 1}}',
    '{"$currentDate": {"closed": true}}', '{"$bit": {"held": {"and": 0}}}',
    '{"$pop": {"tail": 1}}', '[{"$lookup": {"from": "operations", "as": "o", "pipeline": []}}]',
    '[{"$match": {}}]', '[{"$out": "products"}]', '[{"$merge": {"into": "stock"}}]',
    '[{"$unionWith": "stock"}]', '[{"$set": {"available": 9}}]',
    '[{"$replaceRoot": {"newRoot": {}}}]', '[{"$facet": {}}]', '[{"$graphLookup": {}}]',
    '[{"$currentOp": {}}]', '[{"$listSessions": {}}]', '{"$literal": 1}',
    '{"$concat": ["$sku", "a"]}', '{"$toString": "$$ROOT"}', '{"$rand": {}}',
    '{"$ref": "products", "$id": 1, "$db": "admin"}', '{"$oid": "66f1c0ffee66f1c0ffee0001"}',
    '{"$numberDecimal": "1"}', '{"$numberLong": "1"}', '{"$numberInt": "1"}', '{"$minKey": 1}',
    '{"$maxKey": 1}', '{"$undefined": true}', '{"$date": 0}', '{"$timestamp": {"t": 1, "i": 1}}',
    '{"$binary": {"base64": "", "subType": "00"}}', '{"$code": "1"}', '{"$symbol": "a"}',
    '{"$regularExpression": {"pattern": ".", "options": ""}}', '{"$uuid": "0"}',
    '{"$dbPointer": 1}', '{"a.b": 1}', '{".": 1}', '{"": 1}', '{"$": 1}',
    '{"available": {"$gt": 0}}', '{"_id": 1}', "$gt", "$where", "$ne", "$$ROOT", "$$NOW",
    "$$CURRENT.headroom", "$available", "$[]", "$[a]", "$**", "a.b", "tail.0.delta", ".", "..",
    "$.", "_id", "__v", "system.users", "admin.$cmd",
)  # fmt: skip
# Programs: JavaScript, templates, expressions, Python.
PROGRAMS = (
    "true, true", "'; return true; var a='", '"; sleep(5000); "', "';while(1);'",
    "1; db.dropDatabase()", "function(){return true}", "() => true", "`${7*7}`", "${7*7}",
    "{{7*7}}", "{{7*'7'}}", "#{7*7}", "<%= 7*7 %>", "${{7*7}}", "{% raw %}", "{{config}}",
    "{{''.__class__.__mro__}}", "{0}", "{0.__class__}", "{self}", "%s%s%s%n", "%(name)s", "%x%x%x",
    "__proto__", "constructor.prototype", "toString", '{"__proto__": {"admin": true}}',
    '{"constructor": {"prototype": {}}}', "__import__('os').system('id')",
    "eval(compile('1','','eval'))", "${jndi:ldap://127.0.0.1:1/a}",
    "T(java.lang.Runtime).getRuntime()", 'O:8:"stdClass":0:{}',
    "!!python/object/apply:os.system ['id']", "cos\nsystem\n(S'id'\ntR.", "rO0ABXNyAA==",
    '{"@type": "java.lang.Class"}', "null", "undefined", "NaN", "true", "false", "None",
)  # fmt: skip
# Redis: its protocol, Lua, patterns of keys.
REDIS = (
    "\r\nFLUSHALL\r\n", "*1\r\n$8\r\nFLUSHALL\r\n", "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n",
    "\r\n", "EVAL \"return redis.call('FLUSHALL')\" 0", "EVALSHA 0 0", "SCRIPT FLUSH",
    "CONFIG SET dir /tmp", "redis.call('DEL', KEYS[1])", "return 1 end --",
    "]] redis.call('FLUSHALL') --[[", "SLAVEOF 127.0.0.1 1", "inventory:*", "*", "?", "[a-z]",
    "h?llo", "{slot}", "inventory:products:2", "a\nDEL b\n", "+OK\r\n", "$-1\r\n",
)  # fmt: skip
SQL = (
    "' OR '1'='1", "' OR 1=1 --", '" OR ""="', "') OR ('1'='1", "'; DROP TABLE products; --",
    "1; SELECT 1", "admin' --", "admin' #", "' UNION SELECT NULL, NULL --", "1 AND SLEEP(5)",
    "1' WAITFOR DELAY '0:0:5' --", "%' AND '1' LIKE '%", "_%", "\\'; --", "/**/OR/**/1=1",
    "0x27204f5220313d31", "1 ORDER BY 99", "' || '1", "|| pg_sleep(5) --", "CHAR(39)",
    "`products`", "[products]", "' HAVING 1=1 --", "@@version",
)  # fmt: skip
# Shells, files, addresses, markup, other protocols.
COMMANDS = (
    "; id", "| id", "|| id", "& id", "&& id", "`id`", "$(id)", "${IFS}id", "> /tmp/a",
    "< /etc/passwd", "\nid\n", "() { :; }; id", "-rf /", "--help", "-oProxyCommand=id", "~root",
    "%PATH%", "a'b\"c\\d", "../../../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd",
    "file:///etc/passwd", "....//....//etc", "http://127.0.0.1:1/", "http://[::1]:1/",
    "gopher://127.0.0.1:1/_FLUSHALL", "//127.0.0.1:1/", "ftp://a:b@c/", "dict://127.0.0.1:1/info",
    "C:\\", "\\\\127.0.0.1\\share", "%2e%2e%2f", "%00", "%0d%0aSet-Cookie: a=b", "%u0027",
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "<!--", "]]>", "&lol9;", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "javascript:alert(1)", '"><svg onload=alert(1)>', "*)(uid=*))(|(uid=*", "*)(&",
    "' or '1'='1' or ''='", "count(//*)", "=cmd|' /C calc'!A0", "@SUM(1+1)", "+1+1", "-1+1",
    '{"query": "{__schema{types{name}}}"}', "a&sku=b", "a;b", "a,b", "a=b", "?a", "#a", "a%26b",
    "a+b", "\t", "[]", "{}", "66f1c0ffee66f1c0ffee0001", "66F1C0FFEE66F1C0FFEE0001",
    "66f1c0ffee66f1c0ffee000g", "000000000000000000000000", "9" * 24, "9" * 5_000, "1e400", "-1",
    "0", "1.0", "0x10", "1_000", "\u0661", "\x00", "a\x00b", "\x1b[31m", "\u202eabc",
)  # fmt: skip
PAYLOADS = (*MONGO, *PROGRAMS, *REDIS, *SQL, *COMMANDS)

# What some parsers of queries make objects and lists of: the name of a parameter with one of these.
SUFFIXES = (
    "[$ne]", "[$gt]", "[$gte]", "[$lt]", "[$regex]", "[$exists]", "[$where]", "[$in]", "[$in][]",
    "[$nin][0]", "[$not][$eq]", "[$expr]", "[]", "[0]", "[a]", "[a][b]", "[__proto__]", ".$ne",
    ".a", "$", ":", "%00", "+", " ",
)  # fmt: skip
