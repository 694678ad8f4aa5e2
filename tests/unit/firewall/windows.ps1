# Regeln für den Rechner „empfang“
#Requires -RunAsAdministrator
$ErrorActionPreference = 'Stop'
Get-NetFirewallRule -Group 'praxisd' -ErrorAction SilentlyContinue | Remove-NetFirewallRule

# Hinein
New-NetFirewallRule -Group 'praxisd' -DisplayName 'praxisd: SQL-Server (x.isynet)' -Direction Inbound -Action Allow -Protocol TCP -LocalPort '1433' -RemoteAddress 'LocalSubnet' -Profile 'Domain', 'Private' | Out-Null
New-NetFirewallRule -Group 'praxisd' -DisplayName 'praxisd: DOCmessenger (x.isynet)' -Direction Inbound -Action Allow -Protocol UDP -LocalPort '13777' -RemoteAddress 'LocalSubnet' -Profile 'Domain', 'Private' | Out-Null
New-NetFirewallRule -Group 'praxisd' -DisplayName 'praxisd: ToDoListen/ZMS (x.isynet)' -Direction Inbound -Action Allow -Protocol UDP -LocalPort '13333-14333', '14000', '14334' -RemoteAddress 'LocalSubnet' -Profile 'Domain', 'Private' | Out-Null
New-NetFirewallRule -Group 'praxisd' -DisplayName 'praxisd: Viele (x.isynet)' -Direction Inbound -Action Allow -Protocol TCP -LocalPort '3000', '3002', '3004', '3006', '3008', '3010', '3012', '3014', '3016', '3018', '3020', '3022', '3024', '3026', '3028', '3030', '3032', '3034', '3036', '3038', '3040', '3042', '3044', '3046', '3048', '3050', '3052', '3054', '3056', '3058' -RemoteAddress 'LocalSubnet' -Profile 'Domain', 'Private' | Out-Null
New-NetFirewallRule -Group 'praxisd' -DisplayName 'praxisd: Konsole und Schnittstelle' -Direction Inbound -Action Allow -Protocol TCP -LocalPort '8080' -RemoteAddress 'LocalSubnet' -Profile 'Domain', 'Private' | Out-Null

# Hinaus
New-NetFirewallRule -Group 'praxisd' -DisplayName 'praxisd: DOCmessenger (x.isynet)' -Direction Outbound -Action Allow -Protocol UDP -RemotePort '13777' -RemoteAddress 'LocalSubnet' | Out-Null
New-NetFirewallRule -Group 'praxisd' -DisplayName 'praxisd: x.comdoxx Keyserver (x.isynet)' -Direction Outbound -Action Allow -Protocol TCP -RemotePort '50300-50305' -RemoteAddress '142.132.168.42', '2001:db8::1' | Out-Null
# Ziele: https://*.medatixx.io, https://u.example.net
New-NetFirewallRule -Group 'praxisd' -DisplayName 'praxisd: VOS (x.isynet)' -Direction Outbound -Action Allow -Protocol TCP -RemotePort '443' | Out-Null

# Ohne Regel:
#   Gdata (x.isynet)
