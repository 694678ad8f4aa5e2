#!/bin/sh
# Regeln für den Rechner „empfang“
set -eu
UFW=${UFW:-ufw}

# Hinein
$UFW allow in proto tcp from 10.0.0.0/8 to any port 1433 comment 'praxisd: SQL-Server (x.isynet)'
$UFW allow in proto tcp from 172.16.0.0/12 to any port 1433 comment 'praxisd: SQL-Server (x.isynet)'
$UFW allow in proto tcp from 192.168.0.0/16 to any port 1433 comment 'praxisd: SQL-Server (x.isynet)'
$UFW allow in proto tcp from fc00::/7 to any port 1433 comment 'praxisd: SQL-Server (x.isynet)'
$UFW allow in proto tcp from fe80::/10 to any port 1433 comment 'praxisd: SQL-Server (x.isynet)'
$UFW allow in proto udp from 10.0.0.0/8 to any port 13777 comment 'praxisd: DOCmessenger (x.isynet)'
$UFW allow in proto udp from 172.16.0.0/12 to any port 13777 comment 'praxisd: DOCmessenger (x.isynet)'
$UFW allow in proto udp from 192.168.0.0/16 to any port 13777 comment 'praxisd: DOCmessenger (x.isynet)'
$UFW allow in proto udp from fc00::/7 to any port 13777 comment 'praxisd: DOCmessenger (x.isynet)'
$UFW allow in proto udp from fe80::/10 to any port 13777 comment 'praxisd: DOCmessenger (x.isynet)'
$UFW allow in proto udp from 10.0.0.0/8 to any port 13333:14334 comment 'praxisd: ToDoListen/ZMS (x.isynet)'
$UFW allow in proto udp from 172.16.0.0/12 to any port 13333:14334 comment 'praxisd: ToDoListen/ZMS (x.isynet)'
$UFW allow in proto udp from 192.168.0.0/16 to any port 13333:14334 comment 'praxisd: ToDoListen/ZMS (x.isynet)'
$UFW allow in proto udp from fc00::/7 to any port 13333:14334 comment 'praxisd: ToDoListen/ZMS (x.isynet)'
$UFW allow in proto udp from fe80::/10 to any port 13333:14334 comment 'praxisd: ToDoListen/ZMS (x.isynet)'
$UFW allow in proto tcp from 10.0.0.0/8 to any port 3000,3002,3004,3006,3008,3010,3012,3014,3016,3018,3020,3022,3024,3026,3028 comment 'praxisd: Viele (x.isynet)'
$UFW allow in proto tcp from 172.16.0.0/12 to any port 3000,3002,3004,3006,3008,3010,3012,3014,3016,3018,3020,3022,3024,3026,3028 comment 'praxisd: Viele (x.isynet)'
$UFW allow in proto tcp from 192.168.0.0/16 to any port 3000,3002,3004,3006,3008,3010,3012,3014,3016,3018,3020,3022,3024,3026,3028 comment 'praxisd: Viele (x.isynet)'
$UFW allow in proto tcp from fc00::/7 to any port 3000,3002,3004,3006,3008,3010,3012,3014,3016,3018,3020,3022,3024,3026,3028 comment 'praxisd: Viele (x.isynet)'
$UFW allow in proto tcp from fe80::/10 to any port 3000,3002,3004,3006,3008,3010,3012,3014,3016,3018,3020,3022,3024,3026,3028 comment 'praxisd: Viele (x.isynet)'
$UFW allow in proto tcp from 10.0.0.0/8 to any port 3030,3032,3034,3036,3038,3040,3042,3044,3046,3048,3050,3052,3054,3056,3058 comment 'praxisd: Viele (x.isynet)'
$UFW allow in proto tcp from 172.16.0.0/12 to any port 3030,3032,3034,3036,3038,3040,3042,3044,3046,3048,3050,3052,3054,3056,3058 comment 'praxisd: Viele (x.isynet)'
$UFW allow in proto tcp from 192.168.0.0/16 to any port 3030,3032,3034,3036,3038,3040,3042,3044,3046,3048,3050,3052,3054,3056,3058 comment 'praxisd: Viele (x.isynet)'
$UFW allow in proto tcp from fc00::/7 to any port 3030,3032,3034,3036,3038,3040,3042,3044,3046,3048,3050,3052,3054,3056,3058 comment 'praxisd: Viele (x.isynet)'
$UFW allow in proto tcp from fe80::/10 to any port 3030,3032,3034,3036,3038,3040,3042,3044,3046,3048,3050,3052,3054,3056,3058 comment 'praxisd: Viele (x.isynet)'
$UFW allow in proto tcp from 10.0.0.0/8 to any port 8080 comment 'praxisd: Konsole und Schnittstelle'
$UFW allow in proto tcp from 172.16.0.0/12 to any port 8080 comment 'praxisd: Konsole und Schnittstelle'
$UFW allow in proto tcp from 192.168.0.0/16 to any port 8080 comment 'praxisd: Konsole und Schnittstelle'
$UFW allow in proto tcp from fc00::/7 to any port 8080 comment 'praxisd: Konsole und Schnittstelle'
$UFW allow in proto tcp from fe80::/10 to any port 8080 comment 'praxisd: Konsole und Schnittstelle'

# Hinaus
$UFW allow out proto udp to 10.0.0.0/8 port 13777 comment 'praxisd: DOCmessenger (x.isynet)'
$UFW allow out proto udp to 172.16.0.0/12 port 13777 comment 'praxisd: DOCmessenger (x.isynet)'
$UFW allow out proto udp to 192.168.0.0/16 port 13777 comment 'praxisd: DOCmessenger (x.isynet)'
$UFW allow out proto udp to fc00::/7 port 13777 comment 'praxisd: DOCmessenger (x.isynet)'
$UFW allow out proto udp to fe80::/10 port 13777 comment 'praxisd: DOCmessenger (x.isynet)'
$UFW allow out proto tcp to 142.132.168.42 port 50300:50305 comment 'praxisd: x.comdoxx Keyserver (x.isynet)'
$UFW allow out proto tcp to 2001:db8::1 port 50300:50305 comment 'praxisd: x.comdoxx Keyserver (x.isynet)'
# Ziele: https://*.medatixx.io, https://u.example.net
$UFW allow out proto tcp to any port 443 comment 'praxisd: VOS (x.isynet)'

# Ohne Regel:
#   Gdata (x.isynet)
